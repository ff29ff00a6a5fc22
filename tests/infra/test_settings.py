"""What may be set, and what is said when it cannot be used."""

import base64
import json
import os
import stat
from ipaddress import ip_network
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey

from infra.home import Home, HouseError
from infra.settings import Mode, Settings, attach, load_keys, load_settings, misspelt, require_servers

DATA_KEY = base64.b64encode(bytes(range(32))).decode()
TOKEN_KEY = json.dumps(OKPKey.generate_key("Ed25519", {"kid": "mine"}).as_dict(private=True))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HALL_")]:
        monkeypatch.delenv(name)


def production(**given: object) -> Settings:
    return load_settings().with_(data_key=DATA_KEY, token_key=TOKEN_KEY).with_(**given)


def sandbox(home: Path) -> Settings:
    return load_settings(mode=Mode.SANDBOX, home=home)


def test_a_process_is_in_production_unless_told() -> None:
    assert load_settings().mode is Mode.PRODUCTION


def test_the_environment_goes_before_a_command_s_own_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALL_MODE", "production")

    assert load_settings(mode=Mode.SANDBOX).mode is Mode.PRODUCTION


def test_an_empty_variable_is_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALL_PORT", "")
    monkeypatch.setenv("HALL_MODE", "")

    assert load_settings(mode=Mode.SANDBOX).mode is Mode.SANDBOX
    assert load_settings().port == 8000


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("HALL_PORT", "eighty", "give a number from 1 to 65535"),
        ("HALL_PORT", "70000", "give a number from 1 to 65535"),
        ("HALL_MODE", "test", "give sandbox or production"),
        ("HALL_PLAN_START", "01.10.2026", "give a day as YYYY-MM-DD"),
        ("HALL_TRUSTED_PROXIES", "10.0.0.0/8, office", "give networks separated by commas, such as 10.0.0.0/8"),
        ("HALL_LOG_LEVEL", "loud", "give DEBUG, INFO, WARNING or ERROR"),
        ("HALL_DATABASE_URL", "mysql://db", "give postgresql://user:password@host:port/database"),
        ("HALL_REDIS_URL", "localhost", "give redis://:password@host:port/0"),
    ],
)
def test_a_bad_value_is_one_sentence_with_variable_and_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(HouseError) as refused:
        load_settings()
    assert str(refused.value) == f"{variable} cannot be used: {remedy}."


def test_every_setting_has_a_remedy() -> None:
    from infra.settings import _REMEDIES

    assert set(_REMEDIES) == set(Settings.model_fields)


def test_proxies_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALL_TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32,127.0.0.1")

    assert load_settings().trusted_proxies == tuple(
        ip_network(text) for text in ("10.0.0.0/8", "2001:db8::/32", "127.0.0.1")
    )


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    shown = repr(production(database_url="postgresql://hall:s3cret@db/hall", redis_url="redis://:s3cret@cache/0"))

    assert "s3cret" not in shown
    assert DATA_KEY not in shown
    assert "Ed25519" not in shown


def test_a_variable_that_looks_like_a_setting_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALL_PROT", "9000")
    monkeypatch.setenv("HALL_WEATHER", "fine")

    assert misspelt() == ["HALL_PROT is not a setting: did you mean HALL_PORT?"]


def test_the_address_for_its_own_use_is_one_that_answers() -> None:
    settings = load_settings()

    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.with_(host="0.0.0.0").base_url == "http://127.0.0.1:8000"
    assert settings.with_(host="::").base_url == "http://[::1]:8000"


def test_a_sandbox_makes_its_keys_once_and_keeps_them_to_itself(tmp_path: Path) -> None:
    first, second = load_keys(sandbox(tmp_path / "home")), load_keys(sandbox(tmp_path / "home"))

    assert first.data == second.data
    assert [key.kid for key in first.token.keys] == [key.kid for key in second.token.keys]
    assert [len(key) for key in first.data] == [32]
    for path in (tmp_path / "home" / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("missing", ["data_key", "token_key"])
def test_production_without_a_key_does_not_start(missing: str) -> None:
    with pytest.raises(HouseError, match=f"^Production needs HALL_{missing.upper()} or HALL_{missing.upper()}_FILE: "):
        load_keys(production(**{missing: None}))


@pytest.mark.parametrize("name", ["data-key", "token-key"])
def test_production_refuses_what_a_sandbox_made(tmp_path: Path, name: str) -> None:
    load_keys(sandbox(tmp_path / "home"))
    setting = name.replace("-", "_")
    given = production(**{setting: None, f"{setting}_file": tmp_path / "home" / "keys" / name})

    with pytest.raises(HouseError, match=f"^HALL_{setting.upper()} was made by a sandbox and is refused in production"):
        load_keys(given)


def test_keys_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "data").write_text(f"{DATA_KEY}\n")

    keys = load_keys(production(data_key=None, data_key_file=tmp_path / "data"))

    assert keys.data == (bytes(range(32)),)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(HouseError, match=r"^HALL_DATA_KEY_FILE cannot be read"):
        load_keys(production(data_key=None, data_key_file=tmp_path / "none"))


def test_rotation_takes_several_keys_the_newest_first() -> None:
    newer = base64.b64encode(bytes(32)).decode()
    jwks = [OKPKey.generate_key("Ed25519", {"kid": kid}).as_dict(private=True) for kid in ("new", "old")]

    keys = load_keys(production(data_key=f"{newer}, {DATA_KEY}", token_key=json.dumps({"keys": jwks})))

    assert keys.data == (bytes(32), bytes(range(32)))
    assert [key.kid for key in keys.token.keys] == ["new", "old"]


@pytest.mark.parametrize("data_key", ["", "abc", base64.b64encode(bytes(31)).decode(), f"{DATA_KEY},"])
def test_a_data_key_that_is_none_is_refused(data_key: str) -> None:
    with pytest.raises(HouseError, match="HALL_DATA_KEY"):
        load_keys(production(data_key=data_key))


@pytest.mark.parametrize(
    "token_key",
    [
        "secret",
        "{}",
        '{"keys": []}',
        json.dumps(ECKey.generate_key("P-256").as_dict(private=False)),
        json.dumps(OctKey.generate_key(256).as_dict(private=True)),
        ECKey.generate_key("P-256").as_pem(private=False).decode(),
    ],
    ids=["no key", "an empty object", "an empty set", "a public JWK", "a symmetric key", "a public PEM"],
)
def test_a_token_key_that_cannot_sign_is_refused(token_key: str) -> None:
    with pytest.raises(HouseError, match=r"^HALL_TOKEN_KEY cannot be used"):
        load_keys(production(token_key=token_key))


def test_a_private_pem_signs_too() -> None:
    pem = OKPKey.generate_key("Ed25519").as_pem(private=True).decode()

    assert [key.is_private for key in load_keys(production(token_key=pem)).token.keys] == [True]


def test_a_command_without_servers_looks_for_the_running_hall(tmp_path: Path) -> None:
    with pytest.raises(HouseError, match=r"^No hall runs in .* and HALL_DATABASE_URL is not set"):
        attach(load_settings(home=tmp_path))

    home = Home(tmp_path)
    lock = home.lock()
    lock.take()
    home.port("postgres")
    home.port("valkey")
    try:
        found = attach(load_settings(home=tmp_path))
    finally:
        lock.give_back()
    assert found.mode is Mode.SANDBOX
    assert found.database_url
    assert str(home.ports()["postgres"]) in found.database_url


def test_a_command_with_servers_uses_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HALL_DATABASE_URL", "postgresql://db/hall")
    monkeypatch.setenv("HALL_REDIS_URL", "redis://cache/0")

    assert attach(load_settings(home=tmp_path)).mode is Mode.PRODUCTION


@pytest.mark.parametrize(
    ("given", "missing"),
    [({}, "HALL_DATABASE_URL"), ({"database_url": "postgresql://db/hall"}, "HALL_REDIS_URL")],
)
def test_serving_needs_servers(given: dict[str, str], missing: str) -> None:
    with pytest.raises(HouseError, match=f"^{missing} is not set"):
        require_servers(load_settings().with_(**given))


def test_every_setting_stands_in_the_page_for_production() -> None:
    page = (Path(__file__).parents[2] / "docs" / "production.md").read_text(encoding="utf-8")

    assert [name for name in Settings.model_fields if f"`HALL_{name.upper()}`" not in page] == []
