"""Start-up and lazy-config lines, told by their content.

They occur in the first test after a deployment only; in v1 that is always `correct`, so keeping them gives the label
away. The per-request line ``Config loaded from externalized folder for primary.jks`` is not one of them.
"""

import re

_STARTUP = re.compile(
    r"com\.networknt\.config\.Config \S+ - (?:"
    r"Trying to load \S+ with extension|"
    r"Unable to load config from externalized folder for|"
    r"Trying to load config from classpath directory for file|"
    r"Config loaded from default folder for|"
    r"Unable to load config \S+ Looking for the same file name)"
    r"|^\n(?:Unable to load config '\S+' with extension|Picked up JAVA_TOOL_OPTIONS|\[otel\.javaagent )"
    r"|JsonMetaSchema newValidator - Unknown keyword "
    r"|com\.networknt\.server\.Server \S+ - "
    r"|com\.hazelcast\.(?:instance|system|config|internal\.cluster|core\.LifecycleService)\S* "
)


def is_startup(message: str) -> bool:
    """Whether a masked message belongs to start-up or lazy configuration.

    Examples
    --------
    >>> head = "INFO com.networknt.config.Config getConfigStream - Config loaded from "
    >>> is_startup(head + "default folder for status.yml")
    True
    >>> is_startup(head + "externalized folder for primary.jks in /config")
    False
    """
    return _STARTUP.search(message) is not None
