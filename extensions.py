"""The Flask extensions, unbound: create_app binds them. Nothing of ours is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_bcrypt import Bcrypt
from flask_crontab import Crontab
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, registry

_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Declarative base: constraints have names (migrations change them by name), ids have 64 bits."""

    registry = registry(
        metadata=MetaData(naming_convention=_NAMES),
        type_annotation_map={int: BigInteger().with_variant(Integer, "sqlite")},
    )


# Objects stay readable after a commit: services commit before a vendor call and go on with what they read.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
if TYPE_CHECKING:
    Model = Base  # what type checkers understand: a constructor that takes columns by name
else:
    Model = db.Model
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address)
bcrypt = Bcrypt()
crontab = Crontab()
