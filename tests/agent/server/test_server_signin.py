"""Sign-in: tokens, pages that run out, and signed tokens of an OpenID provider."""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from scanwright.agent.server.settings import ServerSettings
from scanwright.agent.server.signin import SignIn, openid, token_from
from scanwright.tools.errors import UserInputError

TOKEN = "a-token-of-more-than-twenty-characters"


def test_a_page_is_signed_out_when_its_time_is_over() -> None:
    for seconds, admitted in ((60.0, True), (0.0, False)):
        sign_in = SignIn(required=True, session_s=seconds)
        sign_in.add(TOKEN)
        assert sign_in.admits(None, sign_in.open_page(TOKEN)) is admitted


def test_a_token_that_could_be_guessed_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    with pytest.raises(UserInputError, match="shorter than 20"):
        token_from(tmp_path / "token")
    with pytest.raises(UserInputError, match="cannot be read"):
        token_from(tmp_path / "none")


def test_a_provider_that_is_named_in_part_is_told() -> None:
    pytest.importorskip("jwt")
    with pytest.raises(UserInputError, match="names part"):
        openid(ServerSettings(oidc_issuer="https://login.example"))


def test_only_a_token_that_the_provider_signed_for_this_server_is_taken(tmp_path: Path) -> None:
    jwt = pytest.importorskip("jwt")
    from cryptography.hazmat.primitives.asymmetric import ec

    ours, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ours.public_key())) | {"kid": "1", "alg": "ES256", "use": "sig"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
    named = {"oidc_issuer": "https://login.example", "oidc_audience": "scanwright"}
    sign_in = SignIn(required=True, oidc=openid(ServerSettings(**named, oidc_keys=str(tmp_path / "keys.json"))))
    right: dict[str, Any] = {"iss": "https://login.example", "aud": "scanwright", "exp": time.time() + 60, "sub": "u1"}

    def admitted(claims: dict[str, Any], signer: Any = ours) -> bool:
        return sign_in.admits(jwt.encode(claims, signer, "ES256", headers={"kid": "1"}), None)

    assert admitted(right)
    assert not admitted(right, other)
    assert not admitted(right | {"exp": time.time() - 1})
    assert not admitted(right | {"aud": "another"})
    assert not admitted(right | {"iss": "https://evil.example"})
    assert not admitted({k: v for k, v in right.items() if k != "exp"})
    unsigned = jwt.encode(right, "", "none", headers={"kid": "1"})
    # The public key taken for a shared secret, put together by hand: libraries refuse to make such a token.
    head, body = (_part(part) for part in ({"alg": "HS256", "typ": "JWT", "kid": "1"}, right))
    mark = hmac.digest(json.dumps(key).encode(), f"{head}.{body}".encode(), "sha256")
    by_public_key = f"{head}.{body}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
    assert not sign_in.admits(unsigned, None)
    assert not sign_in.admits(by_public_key, None)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
