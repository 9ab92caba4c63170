"""All SQL beside `schema.sql`: functions that run one statement each, with bound values."""
