"""The bank: an HTTP interface over double-entry books in PostgreSQL."""

from flask import Flask

from bank import config


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application; settings come from the environment where none are given."""
    from bank import (
        api,
        authority,
        db,
        errors,
        keys,
        limits,
        operator_api,
        opg1_api,
        proofs_api,
        web,
    )

    settings = settings or config.load()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = limits.BODY_BYTES_MAX
    app.json.sort_keys = False  # pyright: ignore[reportAttributeAccessIssue]
    bank_keys = keys.load(settings.key_dir)
    app.extensions["bank"] = web.Bank(
        database=db.open_database(settings),
        keys=bank_keys,
        operator_token=keys.load_operator_token(settings.key_dir, settings.operator_token),
        code_key=keys.load_code_key(settings.key_dir),
        authority=authority.load(settings.key_dir, bank_keys),
    )
    errors.register(app)
    app.after_request(web.protect)
    for blueprint in (
        api.public,
        api.ledgers,
        opg1_api.blueprint,
        proofs_api.blueprint,
        operator_api.blueprint,
    ):
        app.register_blueprint(blueprint)
    return app
