"""Points in time as text: milliseconds since 1970-01-01 UTC to `2026-11-22T15:01:06.904Z`.

The date is counted in eras of 400 years (Hinnant, "chrono-Compatible Low-Level Date
Algorithms"), because `time.gmtime` counts from 1970 on one MicroPython and 2000 on another.
"""


def format_utc(unix_ms: int) -> str:
    """RFC 3339 text in UTC with three decimals, as JavaScript's `toISOString`."""
    seconds, ms = divmod(unix_ms, 1_000)
    days, second = divmod(seconds, 86_400)
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day + 2) // 153  # counted from March
    day -= (153 * month + 2) // 5
    year = era * 400 + year_of_era + (month > 9)
    month += 3 if month < 10 else -9
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (
        year,
        month,
        day + 1,
        second // 3_600,
        second // 60 % 60,
        second % 60,
        ms,
    )
