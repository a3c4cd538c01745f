// Hands the browser's time zone to a form: a hidden input takes it as it is, a select when it offers it.

export function connectTimezone(input) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offered = !input.options || [...input.options].some((option) => option.value === zone);
  if (zone && offered) input.value = zone;
}
