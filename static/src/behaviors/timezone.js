// Preselects the browser's time zone in a select, when the select offers it.

export function connectTimezone(select) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && [...select.options].some((option) => option.value === zone)) select.value = zone;
}
