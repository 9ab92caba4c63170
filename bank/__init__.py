"""The bank: an HTTP interface over double-entry books in PostgreSQL."""

from flask import Flask

from bank import config


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application; settings come from the environment where none are given."""
    from bank import api, db, errors, keys, limits, operator_api, web

    settings = settings or config.load()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = limits.BODY_BYTES_MAX
    app.json.sort_keys = False  # pyright: ignore[reportAttributeAccessIssue]
    app.extensions["bank"] = web.Bank(
        database=db.open_database(settings),
        keys=keys.load(settings.key_dir),
        operator_token=keys.load_operator_token(settings.key_dir, settings.operator_token),
    )
    errors.register(app)
    app.after_request(web.protect)
    for blueprint in (api.public, api.ledgers, operator_api.blueprint):
        app.register_blueprint(blueprint)
    return app
