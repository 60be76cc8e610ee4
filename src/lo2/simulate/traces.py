"""Stack traces as the JVMs print them: exception line, frames of the fault, frames every request shares."""

_JAVA = {
    "token": "com.networknt.oauth.token.handler.Oauth2TokenPostHandler",
    "client_post": "com.networknt.oauth.client.handler.Oauth2ClientPostHandler",
    "client_put": "com.networknt.oauth.client.handler.Oauth2ClientPutHandler",
    "client_delete": "com.networknt.oauth.client.handler.Oauth2ClientClientIdDeleteHandler",
    "service_post": "com.networknt.oauth.service.handler.Oauth2ServicePostHandler",
}
_MIDDLEWARE = (
    ("openapi.ValidatorHandler", 116),
    ("audit.AuditHandler", 192),
    ("body.BodyHandler", 124),
    ("openapi.OpenApiHandler", 131),
    ("correlation.CorrelationHandler", 77),
    ("traceability.TraceabilityHandler", 68),
    ("exception.ExceptionHandler", 76),
)


def _frame(qualified: str, line: int | str) -> str:
    """Frame of ``package.Class.method`` at ``line``; a text instead of a line number is printed as it is."""
    file = qualified.rsplit(".", 2)[1].split("$")[0]
    where = line if line == "Unknown Source" else f"{file}.java:{line}"
    return f"\tat {qualified}({where})"


def _frames(text: str) -> list[str]:
    """Frames of ``Class.method:line`` words that share the package before them: ``package: word word``."""
    frames = []
    for row in text.strip().splitlines():
        package, words = row.strip().split(": ", 1)
        for word in words.split():
            method, line = word.rsplit(":", 1)
            frames.append(_frame(f"{package}.{method}", line))
    return frames


_WORKER = [
    *_frames(
        """
        io.undertow.server: Connectors.executeRootHandler:387 HttpServerExchange$1.run:852
        org.jboss.threads: ContextClassLoaderSavingRunnable.run:35 EnhancedQueueExecutor.safeRun:2019
        org.jboss.threads: EnhancedQueueExecutor$ThreadBody.doRunTask:1558 EnhancedQueueExecutor$ThreadBody.run:1423
        org.xnio: XnioWorker$WorkerThreadFactory$1$1.run:1280
        """
    ),
    _frame("java.base/java.lang.Thread.run", "Unknown Source"),
]
_TAIL = [
    frame
    for handler, line in _MIDDLEWARE
    for frame in (
        _frame("com.networknt.handler.Handler.next", 212),
        _frame("com.networknt.handler.Handler.next", 233),
        _frame(f"com.networknt.{handler}.handleRequest", line),
    )
] + _WORKER

_SERIALIZE = _frames(
    """
    com.hazelcast.internal.serialization.impl: SerializationServiceUtil.handleSerializeException:75
    com.hazelcast.internal.serialization.impl: AbstractSerializationService.toBytes:169
    com.hazelcast.internal.serialization.impl: AbstractSerializationService.toBytes:142
    com.hazelcast.internal.serialization.impl: AbstractSerializationService.toData:127
    com.hazelcast.internal.serialization.impl: AbstractSerializationService.toData:112
    com.hazelcast.spi.impl: NodeEngineImpl.toData:345
    com.hazelcast.spi: AbstractDistributedObject.toData:78
    com.hazelcast.map.impl.proxy: MapProxyImpl.put:118 MapProxyImpl.put:108
    """
)
_STORE = _frames(
    """
    com.mysql.cj.jdbc.exceptions: SQLError.createSQLException:117 SQLError.createSQLException:97
    com.mysql.cj.jdbc.exceptions: SQLExceptionsMapping.translateException:122
    com.mysql.cj.jdbc: ClientPreparedStatement.executeInternal:955
    com.mysql.cj.jdbc: ClientPreparedStatement.executeUpdateInternal:1094
    com.mysql.cj.jdbc: ClientPreparedStatement.executeUpdateInternal:1042
    com.mysql.cj.jdbc: ClientPreparedStatement.executeLargeUpdate:1345 ClientPreparedStatement.executeUpdate:1027
    com.zaxxer.hikari.pool: ProxyPreparedStatement.executeUpdate:61 HikariProxyPreparedStatement.executeUpdate:-
    com.networknt.oauth.cache: ClientMapStore.delete:33 ClientMapStore.delete:17
    com.hazelcast.map.impl: MapStoreWrapper.delete:123
    com.hazelcast.map.impl.mapstore.writethrough: WriteThroughStore.remove:59 WriteThroughStore.remove:31
    com.hazelcast.map.impl.recordstore: DefaultRecordStore.delete:547
    com.hazelcast.map.impl.operation: DeleteOperation.run:40
    com.hazelcast.spi: Operation.call:170
    com.hazelcast.spi.impl.operationservice.impl: OperationRunnerImpl.call:208 OperationRunnerImpl.run:197
    com.hazelcast.spi.impl.operationexecutor.impl: OperationThread.process:147 OperationThread.process:125
    com.hazelcast.spi.impl.operationexecutor.impl: OperationThread.run:110
    """
)
_STORE = [frame.replace("HikariProxyPreparedStatement.java:-", "HikariProxyPreparedStatement.java") for frame in _STORE]
_FOREIGN_KEY = (
    "java.sql.SQLIntegrityConstraintViolationException: Cannot delete or update a parent row: a foreign key constraint "
    "fails (`oauth2`.`refresh_token`, CONSTRAINT `refresh_token_ibfk_1` FOREIGN KEY (`client_id`) REFERENCES `client` "
    "(`client_id`))"
)

# Frames between the exception line of a token ApiException and the shared tail: method and line, innermost first.
_TOKEN_PATHS = {
    "refresh": "handleRefreshToken:456 handleRequest:119",
    "verifier_missing": "handleAuthorizationCode:226 handleRequest:115",
    "verifier_short": "handleAuthorizationCode:229 handleRequest:115",
    "verifier_long": "handleAuthorizationCode:232 handleRequest:115",
    "verifier_failed": "handleAuthorizationCode:245 handleRequest:115",
    "header_missing": "authenticateClient:551 handleAuthorizationCode:183 handleRequest:115",
    "header_invalid": "authenticateClient:553 handleAuthorizationCode:183 handleRequest:115",
    "basic_invalid": "authenticateClient:555 handleAuthorizationCode:183 handleRequest:115",
    "client_unknown": "validateClientSecret:566 authenticateClient:559 handleAuthorizationCode:183 handleRequest:115",
    "secret_wrong": "validateClientSecret:572 authenticateClient:559 handleAuthorizationCode:183 handleRequest:115",
}


def _token(path: str) -> list[str]:
    return [_frame(f"{_JAVA['token']}.{step.split(':')[0]}", step.split(":")[1]) for step in path.split()]


def api_exception(status: str, path: str) -> list[str]:
    """Trace of an ApiException of the token service; its first line holds the ``status`` body."""
    return [f"com.networknt.exception.ApiException: {status}", *_token(_TOKEN_PATHS[path]), *_TAIL]


def _not_serialised(model: str, handler: str, line: int, caused_at: str) -> list[str]:
    return [
        "com.hazelcast.nio.serialization.HazelcastSerializationException: Failed to serialize "
        f"'com.networknt.oauth.cache.model.{model}'",
        *_SERIALIZE,
        _frame(f"{_JAVA[handler]}.handleRequest", line),
        *_TAIL,
        "Caused by: java.lang.NullPointerException: null",
        _frame(f"com.networknt.oauth.cache.model.{model}.writeData", caused_at),
        *_frames(
            """
            com.hazelcast.internal.serialization.impl: PortableSerializer.writeInternal:59 PortableSerializer.write:43
            com.hazelcast.internal.serialization.impl: PortableSerializer.write:30 StreamSerializerAdapter.write:44
            com.hazelcast.internal.serialization.impl: AbstractSerializationService.toBytes:163
            """
        ),
        f"\t... {len(_TAIL) + 8} common frames omitted",
    ]


TRACES = {
    "null_key": [
        "java.lang.NullPointerException: Null key is not allowed!",
        *_frames("com.hazelcast.util: Preconditions.checkNotNull:55"),
        *_frames("com.hazelcast.map.impl.proxy: MapProxyImpl.get:95"),
        _frame(f"{_JAVA['client_put']}.handleRequest", 72),
        *_TAIL,
    ],
    "client_type": _not_serialised("Client", "client_post", 71, "%(line)s"),
    "service_type": _not_serialised("Service", "service_post", 74, "227"),
    "foreign_key": [
        f"java.lang.RuntimeException: {_FOREIGN_KEY}",
        *_frames("com.hazelcast.util: ExceptionUtil.rethrow:80"),
        *_frames("com.hazelcast.map.impl.proxy: MapProxySupport.deleteInternal:640 MapProxyImpl.delete:163"),
        _frame(f"{_JAVA['client_delete']}.handleRequest", 36),
        *_TAIL,
        f"Caused by: {_FOREIGN_KEY}",
        *_STORE,
    ],
    "no_form": [
        "java.lang.NullPointerException: null",
        _frame(f"{_JAVA['token']}.handleRequest", 97),
        *_TAIL,
    ],
    "error_code": [
        "java.lang.RuntimeException: null",
        *_frames("io.undertow.server: HttpServerExchange.setStatusCode:1438"),
        *_frames("com.networknt.handler: LightHttpHandler.setExchangeStatus:111 LightHttpHandler.setExchangeStatus:73"),
        *_frames("com.networknt.exception: ExceptionHandler.handleRequest:90"),
        *_WORKER,
    ],
    # The owner's map store logs the fault itself; Hazelcast then reports it on stderr as a java.util.logging record.
    "map_store": [_FOREIGN_KEY, *_STORE],
    "record": [
        "%(jul_time)s com.hazelcast.map.impl.operation.DeleteOperation",
        f"SEVERE: [%(ip)s]:5701 [dev] [3.12] {_FOREIGN_KEY}",
        f"java.lang.RuntimeException: {_FOREIGN_KEY}",
        *_frames("com.networknt.oauth.cache: ClientMapStore.delete:37 ClientMapStore.delete:17"),
        *_STORE[12:],
        f"Caused by: {_FOREIGN_KEY}",
        *_STORE[:11],
        f"\t... {len(_STORE) - 11} more",
    ],
}
