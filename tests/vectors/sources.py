"""Selects the committed test vectors from the texts of the package `cryptography_vectors`.

`python -m tests.vectors.sources` writes the JSON files beside this one; `test_sources.py` proves
that what is committed is exactly what the texts say.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import cryptography_vectors
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

HERE = Path(__file__).parent
Record = dict[str, str]


def text(path: str) -> str:
    with cryptography_vectors.open_vector_file(path, "r") as file:
        return file.read()


def records(lines: str) -> Iterator[tuple[list[str], Record]]:
    """Blocks of `name = value` (a bare word has no value), each with the [headings] above it."""
    headings: list[str] = []
    for block in re.split(r"\n\s*\n", lines):
        rows = [row.strip() for row in block.splitlines() if not row.startswith("#")]
        if found := [row.strip("[]") for row in rows if row.startswith("[")]:
            headings = found
        pairs = [row.partition("=") for row in rows if row and not row.startswith("[")]
        if pairs:
            yield headings, {name.strip(): value.strip() for name, _, value in pairs}


def aes_gcm() -> Iterator[Record]:
    """Of each pair of lengths: one to encrypt, the first to open and the first that must fail."""
    kept = {"Keylen = 256", "IVlen = 96", "Taglen = 128"}
    seen = set()
    for name in ("gcmEncryptExtIV256", "gcmDecrypt256"):
        for headings, record in records(text(f"ciphers/AES/GCM/{name}.rsp")):
            kind = (name, *headings, "FAIL" in record)
            if kept <= set(headings) and kind not in seen and "Key" in record:
                seen.add(kind)
                direction = "encrypt" if "Encrypt" in name else "decrypt"
                yield {"direction": direction} | record


def ecdsa_verify() -> Iterator[Record]:
    for headings, record in records(text("asymmetric/ECDSA/FIPS_186-3/SigVer.rsp")):
        if headings == ["P-256,SHA-256"]:
            yield record


def public_key() -> Iterator[Record]:
    for headings, record in records(text("asymmetric/ECDSA/FIPS_186-3/PKV.rsp")):
        if headings == ["P-256"]:
            yield record


def ecdh() -> Iterator[Record]:
    name = "KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_init"
    for headings, record in records(text(f"asymmetric/ECDH/{name}.fax")):
        if headings == ["EC - SHA256"]:
            yield record


def hkdf() -> Iterator[Record]:
    case: Record = {}
    for _, record in records(text("KDF/rfc-5869-HKDF-SHA256.txt")):
        case |= record
        if "OKM" in record:
            yield case


def hmac() -> Iterator[Record]:
    for _, record in records(text("HMAC/rfc-4231-sha256.txt")):
        yield record


def ecdsa_sign() -> Iterator[Record]:
    """RFC 6979 A.2.5, SHA-256; s as the RFC has it, high or low."""
    lines = text("asymmetric/ECDSA/RFC6979/evppkey_ecdsa_rfc6979.txt")
    pem = lines.partition("PrivateKey=P-256_PRIV\n")[2].partition("\n\n")[0]
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    public = key.public_key().public_numbers()
    for _, record in records(lines):
        if (record.get("DigestSign"), record.get("Key")) == ("SHA256", "P-256_PRIV"):
            r, s = decode_dss_signature(bytes.fromhex(record["Output"]))
            yield {
                "private": f"{key.private_numbers().private_value:064x}",
                "public": f"{public.x:064x}{public.y:064x}",
                "message": record["Input"].strip('"'),
                "r": f"{r:064x}",
                "s": f"{s:064x}",
            }


SELECTIONS = {
    "aes_gcm": (aes_gcm, "NIST CAVP gcmEncryptExtIV256.rsp and gcmDecrypt256.rsp"),
    "ecdh": (
        ecdh,
        "NIST CAVP KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_init.fax, set EC (P-256)",
    ),
    "ecdsa_sign": (ecdsa_sign, "RFC 6979 A.2.5, P-256 with SHA-256"),
    "ecdsa_verify": (ecdsa_verify, "NIST CAVP FIPS 186-3 SigVer.rsp, P-256 with SHA-256"),
    "hkdf": (hkdf, "RFC 5869 appendix A, test cases 1 to 3"),
    "hmac": (hmac, "RFC 4231 section 4, HMAC-SHA-256, without the truncated case"),
    "public_key": (public_key, "NIST CAVP FIPS 186-3 PKV.rsp, P-256"),
}


def select(name: str) -> str:
    """The text of the JSON file NAME.json."""
    cases, source = SELECTIONS[name]
    selection = {"source": source, "cases": [dict(case) for case in cases()]}
    return json.dumps(selection, indent=1) + "\n"


if __name__ == "__main__":
    for each in SELECTIONS:
        (HERE / f"{each}.json").write_text(select(each))
