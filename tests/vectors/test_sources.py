"""The committed vectors are what the published texts say, no more and no less."""

import json

import pytest

from tests.vectors.sources import HERE, SELECTIONS, select

# Counted in the texts themselves.
COUNTS = {
    "aes_gcm": 75,
    "ecdh": 30,
    "ecdsa_sign": 2,
    "ecdsa_verify": 15,
    "hkdf": 3,
    "hmac": 6,
    "public_key": 12,
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_committed_vectors_equal_the_published_ones(name: str):
    committed = (HERE / f"{name}.json").read_text()
    assert committed == select(name)
    assert len(json.loads(committed)["cases"]) == COUNTS[name]


def test_every_vector_file_has_a_source():
    selections = [json.loads(path.read_text()) for path in HERE.glob("*.json")]
    assert selections and all(selection["source"] for selection in selections)
