"""The services and the 53 error cases: what each one runs in place of which task, and the mark it leaves.

A row reads: while the case runs, every second ``task`` of ``actor`` is replaced by ``flow`` with ``values``. ``<shape>``
draws a fresh identifier. ``marks`` are the words of the planted lines that tell the case from ``correct``; the four
cases without a flow leave nothing at all in the logs.
"""

from dataclasses import dataclass

SERVICES = ("client", "code", "key", "refresh-token", "service", "token", "user")


@dataclass(frozen=True)
class Case:
    """One error case."""

    name: str
    service: str
    actors: frozenset[str]
    task: str
    flow: str
    values: dict[str, str]
    marks: tuple[str, ...]


_CLIENT_TYPES = "[confidential, public, trusted, external]"
_CLIENT_PROFILES = "[webserver, browser, mobile, service, batch]"
_PLAIN_AND_PKCE = "plain+pkce"

# In the order in which v1 runs them. name | actor | task | flow | values | marks
_TABLE = f"""
register_client_400_clientType                | client | register | client_post_enum    | id=<uuid>; line=384 | Client.writeData(Client.java:384)
register_client_400_clientProfile             | client | register | client_post_enum    | id=<uuid>; line=385 | Client.writeData(Client.java:385)
register_client_404_no_user                   | client | register |                     |                     |
update_client_400_clientType                  | client | update   | client_put_invalid  | clientType=none; at=requestBody.clientType; allowed={_CLIENT_TYPES}          | ERR11004
update_client_400_clientProfile               | client | update   | client_put_invalid  | clientProfile=none; at=requestBody.clientProfile; allowed={_CLIENT_PROFILES} | ERR11004
update_client_404_ownerId                     | client | update   | client_put          | ownerId=nouser      | nouser
update_client_404_clientId                    | client | update   |                     |                     |
delete_client_404_no_client                   | client | delete   | client_delete_404   | id=not_a_client_id  | ERR12014, not_a_client_id
get_client_404_no_client                      | client | get      | client_get_404      | id=none             | ERR12014, none
get_client_page_400_no_page                   | client | page     | client_no_page      |                     | ERR11000
register_service_400_service_id               | service | register | service_post_exists |                    | ERR12018
register_service_400_service_type             | service | register | service_post_enum   | id=<hex8>          | Service.writeData(Service.java:227)
register_service_404_no_user                  | service | register |                     |                    |
update_service_404_user_id                    | service | update   | service_put         | ownerId=nouser     | nouser
update_service_404_service_id                 | service | update   | service_put_404     | id=                | ERR12015
delete_service_404_no_service                 | service | delete   | service_delete_404  | id=not_service_id  | ERR12015, not_service_id
get_service_404_no_service                    | service | get      | service_get_404     | id=none            | ERR12015, none
get_service_page_400_no_page                  | service | page     | service_no_page     |                    | ERR11000
authorization_code_invalid_password_401       | {_PLAIN_AND_PKCE} | authorize | code_unauthenticated | | NOT_AUTHENTICATED, CHALLENGE_SENT, challenge, failed
authorization_code_missing_response_type_400  | {_PLAIN_AND_PKCE} | authorize | code_no_type         | | ERR11000
authorization_code_response_not_code_400      | {_PLAIN_AND_PKCE} | authorize | code_bad_type        | at=response_type; allowed=[code] | ERR11004
authorization_code_client_id_missing_400      | {_PLAIN_AND_PKCE} | authorize | code_no_client       | | ERR11000
authorization_code_invalid_client_id_404      | {_PLAIN_AND_PKCE} | authorize | code_unknown_client  | client_id=invalid_client_id; id=invalid_client_id | ERR12014, invalid_client_id
access_token_illegal_grant_type_400           | {_PLAIN_AND_PKCE} | redeem | token_bad_grant    |                                            | ERR12001
access_token_client_id_not_found_404          | {_PLAIN_AND_PKCE} | redeem | token_no_client    | authorization=<basic_no_id>; id=no_id      | ERR12014, no_id
access_token_client_secret_wrong_401          | {_PLAIN_AND_PKCE} | redeem | token_wrong_secret | authorization=<basic>                      | ERR12007
access_token_auth_header_error_401            | {_PLAIN_AND_PKCE} | redeem | token_bad_header   | authorization=Bearer incorrect_token       | ERR12003, incorrect_token
access_token_missing_authorization_header_400 | {_PLAIN_AND_PKCE} | redeem | token_no_header    | authorization=                             | ERR12002
access_token_form_urlencoded_400              | {_PLAIN_AND_PKCE} | redeem | token_not_a_form   |                                            | ERR12000, Oauth2TokenPostHandler.java:97
access_token_authorization_form_401           | {_PLAIN_AND_PKCE} | redeem | token_bad_basic    | authorization=Basic {"ä" * 5}              | ERR12004
invalid_code_challenge_method_pkce_400        | pkce | authorize | code_bad_method     | method=invalid                         | ERR12033
code_challenge_too_short_pkce_400             | pkce | authorize |                     |                                        |
code_challenge_too_long_pkce_400              | pkce | authorize | code_long_challenge | challenge={"B" * 150}                  | ERR12035
code_challenge_invalid_format_pkce_400        | pkce | authorize | code_bad_challenge  | challenge={"Ä" * 50}                   | ERR12036
invalid_code_verifier_format_PKCE_400         | pkce | redeem    | token_long_verifier  | verifier={"Ã¤" * 100}                 | ERR12039
code_verifier_too_short_pkce_400              | pkce | redeem    | token_short_verifier | verifier=<short_verifier>             | ERR12038
code_verifier_too_long_pkce_400               | pkce | redeem    | token_long_verifier  | verifier={"a" * 150}                  | ERR12039
code_verifier_missing_pkce_400                | pkce | redeem    | token_no_verifier    |                                       | ERR12040
verification_failed_pkce_400                  | pkce | redeem    | token_bad_verifier   |                                       | ERR12041
get_token_404                                 | refresh-token | get    | refresh_get_404    | id=AAAAAA | AAAAAA
delete_token_404                              | refresh-token | delete | refresh_delete_404 | id=AAAAAA | AAAAAA
get_token_page_400_no_page                    | refresh-token | page   | refresh_no_page    |           | ERR11000
register_user_400_user_exists                 | user | register | user_post_exists    | id=<hex8> | ERR12021
register_user_400_email_exists                | user | register | user_post_exists    | id=<hex8> | ERR12021
register_user_400_no_password                 | user | register | user_post_no_confirm | id=<hex8> | ERR12011
register_user_400_password_no_match           | user | register | user_post_mismatch  | id=<hex8> | ERR12012
update_user_404_no_user                       | user | update   | user_put_404        | id=<uuid> | ERR12013
get_user_404_no_user                          | user | get      | user_get_404        | id=none   | ERR12013, none
get_user_page_400_no_page                     | user | page     | user_no_page        |           | ERR11000
delete_user_404_no_user                       | user | delete   | user_delete_404     | id=none   | ERR12013, none
update_password_401_wrong_password            | user | password | password_wrong      |           | ERR12016
update_password_404_user_not_found            | user | password | password_404        | id=none   | ERR12013, none
update_password_400_not_match                 | user | password | password_mismatch   |           | ERR12012
"""  # noqa: E501


def _case(row: str) -> Case:
    name, actor, task, flow, values, marks = (cell.strip() for cell in row.split("|"))
    return Case(
        name=name,
        service={"authorize": "code", "redeem": "token"}.get(task, actor),
        actors=frozenset(actor.split("+")),
        task=task,
        flow=flow,
        values=dict(pair.split("=", 1) for pair in values.split("; ") if pair),
        marks=tuple(mark for mark in marks.split(", ") if mark),
    )


CASES = {case.name: case for case in map(_case, _TABLE.strip().splitlines())}
