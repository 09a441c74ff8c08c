import pytest

from fairlead_scoring.slot.redaction import redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("https://me:hunter2@host/path", "https://***@host/path"),
        ("postgresql+psycopg://u:p@ss@db:5432/x", "postgresql+psycopg://***@db:5432/x"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("headers={'Authorization': 'token abc'}", "headers={'Authorization': 'token ***'}"),
        ("got Bearer abcdef123456", "got Bearer ***"),
        ("AccountName=a;AccountKey=abc+/==;End=b", "AccountName=a;AccountKey=***;End=b"),
        ("SharedAccessSignature sv=1&sig=a%2Bb%3D&se=2", "SharedAccessSignature sv=1&sig=***&se=2"),
        ("connect(password='two words', port=1)", "connect(password=***, port=1)"),
        ('{"api_key": "abc", "x": 1}', '{"api_key": ***, "x": 1}'),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=***"),
        ("password = 'hunter2'", "password = ***"),
        ("aws_secret_access_key: abc/def", "aws_secret_access_key: ***"),
        ("token=abc", "token=***"),
        (f"a JWT eyJ{'a' * 20}.{'b' * 20}.{'c' * 5} here", "a JWT *** here"),
        (f"hf_{'a' * 30} ghp_{'b' * 30} AKIA{'C' * 16}", "*** *** ***"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nafter",
            "***\nafter",
        ),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "***"),
    ],
)
def test_a_secret_is_taken_out(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "http://host:5001/score?a=1",
        "mail me@example.com",
        "tokenizer = AutoTokenizer.from_pretrained('bert')",
        "password = os.environ['DB_PASSWORD']",
        "connect(password=read_password(), token=tokens[0])",
        "the bearer of bad news",
        "KeyError: 'token'",
        "max_tokens=100",
        "raise ValueError('no secret here')",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
