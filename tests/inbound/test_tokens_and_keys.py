"""Files with secrets: private, whole, and useless to whoever steals the wrong half."""

import threading

import pytest

from connectors.tokens import TokenBook, TokenProblem
from connectors.vault import KeyProblem, load_or_create, open_contact, phone_number, private_key


@pytest.fixture
def book(tmp_path):
    return TokenBook(tmp_path / "secrets" / "tokens.toml")


def test_a_token_is_shown_once_and_stored_as_a_hash(book, tmp_path):
    token = book.create("city-12345", ["hotline_12345", "hotline_12345", "petition"])
    path = tmp_path / "secrets" / "tokens.toml"
    assert token not in path.read_text("utf-8")
    assert path.stat().st_mode & 0o777 == 0o600
    (grant,) = TokenBook(path).grants()
    assert (grant.source, grant.channels) == ("city-12345", ("hotline_12345", "petition"))
    assert TokenBook(path).find(token) == grant
    assert TokenBook(path).find(token[:-1]) is None
    assert grant.sha256 not in repr(grant)


def test_tokens_are_revoked_by_id_or_source(book):
    tokens = [book.create(source, ["petition"]) for source in ("a", "a", "b")]
    first = book.grants()[0]
    assert book.revoke(first.id) == (first,)
    assert [book.find(token) is None for token in tokens] == [True, False, False]
    book.revoke("a")
    assert [grant.source for grant in book.grants()] == ["b"]
    with pytest.raises(TokenProblem, match="'a'"):
        book.revoke("a")


@pytest.mark.parametrize(
    ("source", "channels"), [("", ["petition"]), ('x"\n', ["petition"]), ("a", []), ("a", ["tv"])]
)
def test_bad_names_are_refused(book, source, channels):
    with pytest.raises(TokenProblem):
        book.create(source, channels)
    assert book.grants() == ()


def test_a_broken_or_open_file_is_named(book, tmp_path):
    book.create("a", ["petition"])
    path = tmp_path / "secrets" / "tokens.toml"
    path.chmod(0o644)
    with pytest.raises(TokenProblem, match="chmod 600"):
        TokenBook(path).grants()
    path.chmod(0o600)
    path.write_text("[[token]]\nid = 7\n", "utf-8")
    with pytest.raises(TokenProblem, match="id"):
        book.grants()
    path.write_text("[[token", "utf-8")
    with pytest.raises(TokenProblem, match="TOML"):
        book.grants()


def test_keys_are_made_once_even_when_many_start_at_once(tmp_path):
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(load_or_create(tmp_path / "keys")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({reporters.token("phone", "13800138000") for reporters in made}) == 1
    assert len({reporters.key_id for reporters in made}) == 1
    assert all(f.stat().st_mode & 0o077 == 0 for f in (tmp_path / "keys").iterdir())


def test_the_edge_needs_no_private_key(tmp_path):
    reporters = load_or_create(tmp_path)
    private = private_key(tmp_path)
    (tmp_path / "vault-private.pem").unlink()
    again = load_or_create(tmp_path)
    assert again.key_id == reporters.key_id
    assert not (tmp_path / "vault-private.pem").exists()
    token = again.token("phone", "13800138000")
    contact = again.seal("13800138000", token=token, channel="c", source="s", event_id="e")
    assert open_contact(contact, private) == "13800138000"
    with pytest.raises(KeyProblem, match=r"vault-private\.pem"):
        private_key(tmp_path)


def test_a_contact_opens_only_with_its_key_and_token(tmp_path):
    reporters = load_or_create(tmp_path / "a")
    contact = reporters.seal("13800138000", token="r-1", channel="c", source="s", event_id="e")
    load_or_create(tmp_path / "b")
    for other in (contact.model_copy(update={"token": "r-2"}), contact):
        key = private_key(tmp_path / ("a" if other is not contact else "b"))
        with pytest.raises(KeyProblem, match=contact.key_id):
            open_contact(other, key)


def test_nothing_secret_is_printed(tmp_path):
    reporters = load_or_create(tmp_path)
    assert reporters.key.hex() not in repr(reporters)
    assert repr(reporters.key) not in repr(reporters)


def test_broken_keys_are_named(tmp_path):
    load_or_create(tmp_path)
    path = tmp_path / "reporter-hmac.key"
    path.write_text("zz")
    with pytest.raises(KeyProblem):
        load_or_create(tmp_path)
    path.chmod(0o644)
    with pytest.raises(KeyProblem, match="chmod 600"):
        load_or_create(tmp_path)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("13800138000", "13800138000"),
        ("+86 138 0013 8000", "13800138000"),
        ("0086-13800138000", "13800138000"),
        ("010-62345678", "01062345678"),
        ("1234", None),
        ("1" * 16, None),
        ("", None),
    ],
)
def test_phone_numbers(text, digits):
    assert phone_number(text) == digits
