"""The API's answers, typed; ``docs/api.md`` explains every field.

Event times are ISO-8601 UTC text, wall-clock times epoch seconds. Fields that a newer worker adds
are ignored.
"""
