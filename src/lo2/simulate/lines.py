"""Every line the services write: level, logger, method and message by short name, and the texts of error answers.

``%(name)s`` stands for a value of the request; a bare ``%`` is printed as it is.
"""

_LOGGERS = {
    "path": "DEBUG c.n.openapi.ApiNormalisedPath <init>",
    "type": "DEBUG com.networknt.schema.TypeValidator debug",
    "enum": "DEBUG com.networknt.schema.EnumValidator debug",
    "format": "DEBUG com.networknt.schema.FormatValidator debug",
    "required": "DEBUG c.networknt.schema.RequiredValidator debug",
    "properties": "DEBUG c.n.schema.PropertiesValidator debug",
    "token": "DEBUG c.n.o.t.h.Oauth2TokenPostHandler",
    "auth": "DEBUG io.undertow.request.security",
    "basic": "DEBUG c.n.o.s.LightBasicAuthenticationMechanism",
    "identity": "DEBUG c.n.o.security.LightIdentityManager verify",
    "code": "DEBUG c.n.o.c.handler.Oauth2CodeGetHandler handleRequest",
    "refresh": "DEBUG c.n.o.t.h.Oauth2RefreshToken",
    "config": "INFO  com.networknt.config.Config getConfigStream",
    "status": "ERROR c.networknt.handler.LightHttpHandler setExchangeStatus",
}
MAP_LOGGERS = {
    "User": "c.networknt.oauth.cache.UserMapStore",
    "Service": "c.n.oauth.cache.ServiceMapStore",
    "ServiceEndpoint": "c.n.o.cache.ServiceEndpointMapStore",
    "Client": "c.n.oauth.cache.ClientMapStore",
    "RefreshToken": "c.n.oauth.cache.RefreshTokenMapStore",
}
_CALLBACK = "http://localhost:8080/authorization"
_MECHANISM = "com.networknt.oauth.security.LightBasicAuthenticationMechanism@%(hash)s for /oauth2/code"


def line(logger: str, message: str) -> str:
    """One line without its time and thread; ``logger`` is a short name."""
    return f"{_LOGGERS[logger]} - {message}"


LINES = {
    "cc": f"{_LOGGERS['token']} handleClientCredentials - scope = null",
    "ac": f"{_LOGGERS['token']} handleAuthorizationCode - code = %(code)s redirectUri = {_CALLBACK}",
    "ac_map": f"{_LOGGERS['token']} handleAuthorizationCode - variable from codeMap cache userId = admin "
    f"redirectUri = {_CALLBACK} scope = null userType = null roles = admin user remember = null",
    "rt": f"{_LOGGERS['token']} handleRefreshToken - refreshToken = %(id)s scope = null",
    "jwt": "DEBUG com.networknt.security.JwtIssuer getPrivateKey - filename = primary.jks key = selfsigned",
    "jks": line("config", "Config loaded from externalized folder for primary.jks in /config"),
    "auth_set": f"{_LOGGERS['auth']} handleRequest - Setting authentication required for exchange "
    "HttpServerExchange{ GET /oauth2/code}",
    "auth_try": f"{_LOGGERS['auth']} authenticate - Attempting to authenticate /oauth2/code, "
    "authentication required: true",
    "auth_found": f"{_LOGGERS['basic']} authenticate - Found basic auth header %s (decoded using charset %s) in %s",
    "auth_credential": line("identity", "LightPasswordCredential with clientAuthClass = null"),
    "auth_factory": line(
        "identity",
        "Get Authenticator implementation from service factory with clazz = interface "
        "com.networknt.oauth.auth.DefaultAuth",
    ),
    "auth_done": f"{_LOGGERS['auth']} authenticationComplete - Authenticated as admin, roles [admin, user]",
    "auth_outcome": f"{_LOGGERS['auth']} transition - Authentication outcome was AUTHENTICATED with method {_MECHANISM}",
    "auth_result": f"{_LOGGERS['auth']} authTransition - Authentication result was AUTHENTICATED for /oauth2/code",
    "auth_failed": f"{_LOGGERS['auth']} authenticationFailed - Authentication failed with message Authentication "
    "failed, requested user name 'admin' and mechanism BASIC for HttpServerExchange{ GET /oauth2/code}",
    "auth_refused": f"{_LOGGERS['auth']} transition - Authentication outcome was NOT_AUTHENTICATED with method "
    f"{_MECHANISM}",
    "auth_challenge": f"{_LOGGERS['basic']} sendChallenge - Sending basic auth challenge %s for %s",
    "auth_sent": f"{_LOGGERS['auth']} authTransition - Authentication result was CHALLENGE_SENT for /oauth2/code",
    "params": line("code", "params"),
    "redirect": line("code", f"redirectUri = {_CALLBACK}?code=%(code)s"),
    "rt_get": f"{_LOGGERS['refresh']}RefreshTokenGetHandler handleRequest - refreshToken = %(id)s",
    "rt_delete": f"{_LOGGERS['refresh']}RefreshTokenDeleteHandler handleRequest - refreshToken = %(id)s",
    "rt_page": f"{_LOGGERS['refresh']}GetHandler handleRequest - userId = % page = 0 pageSize = 10",
    "invalid": "ERROR c.networknt.openapi.ValidatorHandler handleRequest - There is an Validation Error:",
    "exception": "ERROR c.n.exception.ExceptionHandler handleRequest - Exception:",
    "error_code": "DEBUG io.undertow.request.error-response debugf - Setting error code 500 for exchange "
    "HttpServerExchange{ {method} {uri}}",
    "api_exception": "ERROR c.n.o.t.h.Oauth2TokenPostHandler handleRequest - ApiException",
    "token_exception": "ERROR c.n.o.t.h.Oauth2TokenPostHandler handleRequest - Exception:",
    "keyword": "WARN  com.networknt.schema.JsonMetaSchema newValidator - Unknown keyword components - you should define "
    "your own Meta Schema. If the keyword is irrelevant for validation, just use a NonValidationKeyword",
}

# Error answers: code | status | name | description.
_ERRORS = """
ERR10010 | 500 | RUNTIME_EXCEPTION | Unexpected runtime exception
ERR11000 | 400 | VALIDATOR_REQUEST_PARAMETER_QUERY_MISSING | Query parameter {missing} is required on path {path} but not found in request.
ERR11004 | 400 | VALIDATOR_SCHEMA | Schema Validation Error - %(at)s: does not have a value in the enumeration %(allowed)s
ERR12000 | 400 | UNABLE_TO_PARSE_FORM_DATA | Unable to parse x-www-form-urlencoded form data.
ERR12001 | 400 | UNSUPPORTED_GRANT_TYPE | Unsupported grant type unsupported_grant. Only authorization_code and client_credentials are supported.
ERR12002 | 401 | MISSING_AUTHORIZATION_HEADER | Missing authorization header. client credentials must be passed in as Authorization header.
ERR12003 | 401 | INVALID_AUTHORIZATION_HEADER | Invalid authorization header %(authorization)s. Basic authentication with credentials is required.
ERR12004 | 401 | INVALID_BASIC_CREDENTIALS | Invalid Basic credentials ?????.
ERR12007 | 401 | UNAUTHORIZED_CLIENT | Unauthorized client with wrong client secret.
ERR12011 | 400 | PASSWORD_OR_PASSWORDCONFIRM_EMPTY | Password %(password)s or PasswordConfirm null is empty.
ERR12012 | 400 | PASSWORD_PASSWORDCONFIRM_NOT_MATCH | Password %(newPassword)s and PasswordConfirm %(other)s are not matched.
ERR12013 | 404 | USER_NOT_FOUND | User %(id)s is not found.
ERR12014 | 404 | CLIENT_NOT_FOUND | Client %(id)s is not found.
ERR12015 | 404 | SERVICE_NOT_FOUND | Service %(id)s is not found.
ERR12016 | 401 | INCORRECT_PASSWORD | Incorrect password.
ERR12018 | 400 | SERVICE_ID_EXISTS | Service id %(id)s exists.
ERR12021 | 400 | EMAIL_EXISTS | Email %(email)s exists.
ERR12029 | 404 | REFRESH_TOKEN_NOT_FOUND | Refresh token %(id)s is not found.
ERR12033 | 400 | INVALID_CODE_CHALLENGE_METHOD | Invalid PKCE code challenge method %(method)s.
ERR12035 | 400 | CODE_CHALLENGE_TOO_LONG | PKCE codeChallenge length over upper limit, codeChallenge = %(challenge)s
ERR12036 | 400 | INVALID_CODE_CHALLENGE_FORMAT | PKCE codeChallenge format is invalid, codeChallenge = %(challenge)s
ERR12038 | 400 | CODE_VERIFIER_TOO_SHORT | PKCE codeVerifier length under lower limit , codeVerifier = %(verifier)s
ERR12039 | 400 | CODE_VERIFIER_TOO_LONG | PKCE codeVerifier length over upper limit , codeVerifier = %(verifier)s
ERR12040 | 400 | CODE_VERIFIER_MISSING | PKCE codeVerifier is not specified
ERR12041 | 400 | CODE_VERIFIER_FAILED | PKCE verification failed
"""  # noqa: E501


def _status(row: str) -> tuple[str, str]:
    code, number, name, description = (cell.strip() for cell in row.split("|"))
    return code, (
        f'{{"statusCode":{number},"code":"{code}","message":"{name}","description":"{description}","severity":"ERROR"}}'
    )


STATUS = dict(map(_status, _ERRORS.strip().splitlines()))


def load_config(name: str) -> list[str]:
    """The four lines that loading ``<name>.yml`` from the class path writes."""
    return [
        f"INFO  com.networknt.config.Config loadJsonMapConfigWithSpecificConfigLoader - Trying to load {name} with "
        "extension yaml, yml or json by using default loading method.",
        line("config", f"Unable to load config from externalized folder for {name}.yml in /config"),
        line("config", f"Trying to load config from classpath directory for file {name}.yml"),
        line("config", f"Config loaded from default folder for {name}.yml"),
    ]


def load_values() -> list[str]:
    """The lines of the vain search for ``values``."""
    lines = []
    for extension, following in (("yml", "yaml"), ("yaml", "json"), ("json", "")):
        file = f"values.{extension}"
        lines.append(line("config", f"Unable to load config from externalized folder for {file} in /config"))
        lines.append(line("config", f"Trying to load config from classpath directory for file {file}"))
        if following:
            next_try = f"Looking for the same file name with extension {following}..."
            lines.append(line("config", f"Unable to load config {file}. {next_try}"))
    return lines


# Ends that search, on stdout without a header.
NO_VALUES = (
    "Unable to load config 'values' with extension yml, yaml and json from external config, application config "
    "and module config. Please ignore this message if you are sure that your application is not using this config file."
)
