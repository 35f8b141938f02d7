"""Who may ask, from where, and what every response carries."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest
from scanwright.agent.server.openapi import as_text
from server_process import ServerProcess

# As in conftest.py.
TOKEN = "a-token-of-more-than-twenty-characters"


def test_another_host_name_gets_nothing(server: ServerProcess) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[", ""):
        answer = server.client.get("/api/v1/studies", headers={"host": host})
        assert answer.status_code in (400, 421), host
    assert server.client.get("/health", headers={"host": "localhost:1"}).status_code == 200


def test_a_page_of_another_site_changes_nothing(server: ServerProcess) -> None:
    where, body = "/api/v1/sessions", {"studies": ["S-0"]}
    bare = httpx.post(server.address + where, json=body)
    assert bare.status_code == 403
    for headers in (
        {"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
        {"origin": server.address.replace("127.0.0.1", "localhost")}, {"sec-fetch-site": "same-site"},
    ):  # fmt: skip
        assert server.client.post(where, json=body, headers=headers).status_code == 403, headers
    assert server.client.post(where, json=body, headers={"origin": server.address}).status_code == 404
    asked = server.client.options(where, headers={"origin": "https://evil.example"})
    assert not [h for h in asked.headers if h.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/about", "/api/v1/nothing", "/openapi.json"])
def test_every_response_carries_the_headers(server: ServerProcess, path: str) -> None:
    headers = server.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval'" not in policy.replace("wasm-unsafe-eval'", "")
    assert "'unsafe-inline'" not in policy.split("script-src")[-1].split(";")[0]
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2f/pyproject.toml", "//etc/passwd",
     "/api/v1/artifacts/..%2f..%2fetc%2fpasswd", "/api/v1/studies/..%2f../thumbnail.png", "/api/v1/demos/..%2fbrain_t1",
     "/__init__.py"],
)  # fmt: skip
def test_no_path_of_a_client_reaches_the_file_system(server: ServerProcess, path: str) -> None:
    answer = httpx.get(server.address + path)
    assert answer.status_code in (404, 405)
    assert "root:" not in answer.text


def test_a_body_that_is_too_large_is_refused(server: ServerProcess) -> None:
    answer = server.client.post("/api/v1/sessions", content=b"[" + b" " * (5 * 2**20) + b"]")
    assert answer.status_code == 413
    assert answer.json()["error"].endswith("takes.")


def test_what_is_not_known_is_not_there(server: ServerProcess) -> None:
    for path in (
        "studies/S-0",
        "sessions/c-0",
        "sessions/last",
        "runs/last",
        "runs/R",
        f"artifacts/{'0' * 64}",
        "tools/x",
        "x",
    ):
        answer = server.client.get(f"/api/v1/{path}")
        assert answer.status_code == 404, path
        assert set(answer.json()) == {"error", "missing", "offers"}


def test_without_the_token_there_is_no_answer(guarded: ServerProcess) -> None:
    for path in ("/api/v1/studies", "/api/v1/about", "/metrics", "/openapi.json", "/api/v1/sessions/c-0/events"):
        assert guarded.bare.get(path).status_code == 401, path
    for bearer in (TOKEN[:-1], TOKEN + "x", "ä"):
        headers = {"authorization": f"Bearer {bearer}".encode()}
        assert guarded.bare.get("/api/v1/studies", headers=headers).status_code == 401
    assert guarded.bare.get("/health").status_code == 200
    assert guarded.bare.get("/api/v1/studies", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_page_signs_in_by_a_cookie_that_scripts_cannot_read(guarded: ServerProcess) -> None:
    with httpx.Client(base_url=guarded.address, headers={"X-Scanwright": "1"}) as page:
        assert page.post("/api/v1/login", json={"token": "not-the-token-of-this-server"}).status_code == 401
        cookie = page.post("/api/v1/login", json={"token": TOKEN}).headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert TOKEN not in cookie
        assert page.get("/api/v1/about").json()["auth"] == "token"
        page.post("/api/v1/logout")
        assert page.get("/api/v1/about").status_code == 401


def test_a_run_goes_on_when_its_page_is_signed_out(guarded: ServerProcess, head_file: Path) -> None:
    study = guarded.upload(head_file, modality="CT", body_part="head")
    with httpx.Client(base_url=guarded.address, headers={"X-Scanwright": "1"}) as page:
        page.post("/api/v1/login", json={"token": TOKEN})
        session = page.post("/api/v1/sessions", json={"studies": [study["study_id"]]}).json()["session_id"]
        where = f"/api/v1/sessions/{session}"
        turn = page.post(f"{where}/turns", json={"question": "What is the volume of the skull?"}).json()
        cookie = dict(page.cookies)
        page.post("/api/v1/logout")
        page.cookies.update(cookie)
        refused = page.get(where)
        assert refused.status_code == 401
        assert "Sign in" in refused.json()["error"]
    assert guarded.over(session, turn["turn_id"])["status"] == "done"


def test_the_address_of_the_server_is_private_to_its_user(guarded: ServerProcess) -> None:
    assert stat.S_IMODE((guarded.home / "server.json").stat().st_mode) == 0o600


def test_an_address_that_others_reach_demands_a_token(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "home", "--host", "0.0.0.0")
    try:
        assert server.bare.get("/api/v1/studies").status_code == 401
        shown = server.log.read_text().split("shown once: ")[1].split()[0]
        assert server.bare.get("/api/v1/studies", headers={"authorization": f"Bearer {shown}"}).status_code == 200
    finally:
        server.stop()
    assert not (server.home / "server.json").exists()


def test_the_log_names_routes_and_no_one(server: ServerProcess, skull: dict[str, object]) -> None:
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    routes = {line.get("route") for line in lines}
    assert "/api/v1/sessions/{session_id}/turns" in routes
    assert "skull" not in server.log.read_text()
    assert "head.nii" not in server.log.read_text()
    metrics = server.client.get("/metrics").text
    assert (
        'scanwright_http_requests_total{method="POST",route="/api/v1/sessions/{session_id}/turns",status="202"}'
        in metrics
    )


def test_the_published_description_is_that_of_the_server() -> None:
    published = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
    assert published.read_text("utf-8") == as_text(), "write it anew: make schema"
