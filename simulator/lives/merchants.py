"""Made-up merchants, with the categories Plaid gives their kind (personal finance categories, version 2)."""

from __future__ import annotations

from simulator.lives.model import Merchant


def _shop(descriptor: str, shown: str, category: str) -> Merchant:
    return Merchant(descriptor=descriptor, shown=shown, category=category)


def _web(descriptor: str, shown: str, category: str) -> Merchant:
    return Merchant(descriptor=descriptor, shown=shown, category=category, channel="online")


def transfer(descriptor: str, category: str | None, counterparty: str = "financial_institution") -> Merchant:
    """A row without a merchant: transfers, payments, cheques and fees."""
    return Merchant(
        descriptor=descriptor,
        category=category,
        channel="other",
        counterparty=counterparty,
        confidence="HIGH",
    )


GROCERIES = (
    _shop("GREENLEAF MARKET #0412", "Greenleaf Market", "FOOD_AND_DRINK_GROCERIES"),
    _shop("HARVEST & HEARTH GROCERS", "Harvest & Hearth", "FOOD_AND_DRINK_GROCERIES"),
    _shop("CORNERSTONE FOODS 118", "Cornerstone Foods", "FOOD_AND_DRINK_GROCERIES"),
)
RESTAURANTS = (
    _shop("TST* LA LUNA TRATTORIA", "La Luna Trattoria", "FOOD_AND_DRINK_RESTAURANT"),
    _shop("SQ *NINE DRAGONS NOODLES", "Nine Dragons Noodles", "FOOD_AND_DRINK_RESTAURANT"),
    _shop("THE COPPER KETTLE", "The Copper Kettle", "FOOD_AND_DRINK_RESTAURANT"),
    _shop("CASA MARIGOLD", "Casa Marigold", "FOOD_AND_DRINK_RESTAURANT"),
)
COFFEE = (
    _shop("SQ *PAPER CRANE COFFEE", "Paper Crane Coffee", "FOOD_AND_DRINK_COFFEE"),
    _shop("DAYBREAK ROASTERS 07", "Daybreak Roasters", "FOOD_AND_DRINK_COFFEE"),
)
FAST_FOOD = (_shop("BURGER BARN #2210", "Burger Barn", "FOOD_AND_DRINK_FAST_FOOD"),)
FUEL = (
    _shop("REDROCK FUEL 5521 OUTSIDE", "Redrock Fuel", "TRANSPORTATION_GAS"),
    _shop("PRAIRIE GAS & GO", "Prairie Gas & Go", "TRANSPORTATION_GAS"),
)
RIDES = (_web("HAILO TRIP HELP.HAILO", "Hailo", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES"),)
SHOPPING = (
    _web("BAZAARLY.COM*2K41", "Bazaarly", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES"),
    _shop("THREAD & THIMBLE", "Thread & Thimble", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES"),
    _shop("VOLTA ELECTRONICS 031", "Volta Electronics", "GENERAL_MERCHANDISE_ELECTRONICS"),
    _shop("INKWELL BOOKS", "Inkwell Books", "GENERAL_MERCHANDISE_BOOKSTORES_AND_NEWSSTANDS"),
)
OCCASIONAL = (
    _shop("WILLOW PHARMACY 0087", "Willow Pharmacy", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS"),
    _shop("BRIGHT SMILE DENTAL", "Bright Smile Dental", "MEDICAL_DENTAL_CARE"),
    _shop("NORTH FORK HARDWARE", "North Fork Hardware", "HOME_IMPROVEMENT_HARDWARE"),
    _shop("SHEARS HAIR STUDIO", "Shears Hair Studio", "PERSONAL_CARE_HAIR_AND_BEAUTY"),
    _shop("GALAXY CINEMA 12", "Galaxy Cinema", "ENTERTAINMENT_TV_AND_MOVIES"),
    _shop("PAWS & CLAWS SUPPLY", "Paws & Claws", "GENERAL_MERCHANDISE_PET_SUPPLIES"),
    _web("HELPING HANDS FUND", "Helping Hands Fund", "GOVERNMENT_AND_NON_PROFIT_DONATIONS"),
)
SUBSCRIPTIONS = (
    (8, "15.49", _web("STREAMLINE VIDEO", "Streamline", "ENTERTAINMENT_TV_AND_MOVIES")),
    (14, "10.99", _web("TUNEBOX PREMIUM", "Tunebox", "ENTERTAINMENT_MUSIC_AND_AUDIO")),
    (2, "39.00", _shop("SUMMIT FITNESS CLUB", "Summit Fitness", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS")),
    (27, "2.99", _web("CLOUDKEEP STORAGE", "Cloudkeep", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES")),
)
AIRLINE = _web("SKYBOUND AIR 0167743", "Skybound Air", "TRAVEL_FLIGHTS")
HOTEL = _shop("HARBOR LIGHTS INN", "Harbor Lights Inn", "TRAVEL_LODGING")
MARKET_STALL = _shop("SATURDAY FARMERS MKT", "Saturday Farmers Market", "FOOD_AND_DRINK_GROCERIES")
EMPLOYERS = ("Bluestem Software", "Mercer County Schools", "Tidewater Clinic", "Lakeshore Freight")
LANDLORDS = ("MAPLE COURT APARTMENTS", "RIVERBEND PROPERTY MGMT", "OAKHURST HOMES LLC")
PLACES = {
    "US": (("Springfield", "IL"), ("Madison", "WI"), ("Asheville", "NC"), ("Boise", "ID")),
    "CA": (("Guelph", "ON"), ("Kelowna", "BC"), ("Halifax", "NS")),
}
