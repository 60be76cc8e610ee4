"""The seven users of the load generator: closed loops that pick a task or plant the case, send, wait for the answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from lo2.simulate.cases import Case
from lo2.simulate.world import World

# Every task of a set is equally likely. task: flow
_VERBS = {"register": "post", "update": "put", "get": "get", "page": "page", "delete": "delete"}
_ENTITIES = {name: {task: f"{name}_{verb}" for task, verb in _VERBS.items()} for name in ("user", "service", "client")}
_TASKS = {
    **_ENTITIES,
    "user": {**_ENTITIES["user"], "password": "password_post"},
    "refresh-token": {"get": "refresh_get", "delete": "refresh_delete", "page": "refresh_page"},
    "plain": dict.fromkeys(("refresh", "authorize", "redeem", "change"), ""),
    "pkce": dict.fromkeys(("refresh", "authorize", "redeem", "change"), ""),
    "credentials": dict.fromkeys(("token", "change"), ""),
}
# Mean ms between two tasks of a user while all seven are at work; calibrated on the published counts.
THINK_MS = {
    "user": 7.5, "service": 9.0, "client": 9.5, "refresh-token": 8.2, "plain": 11.8, "pkce": 11.8, "credentials": 4.8,
}  # fmt: skip
_WAIT_MS = 50.0
_LEAST_PLANTED = 3
_CLIENT_HAS_TOKENS = 0.48  # Share of client deletions that a foreign key forbids.
_OTHER_TOKEN = 0.065  # Share of requests before which the refresh-token user's set has changed.
_SWAPPED_SESSION = 0.07  # Share of codes the plain user redeems that a PKCE session asked for.


@dataclass
class User:
    """One user in one test; subclasses do the tasks."""

    world: World
    name: str
    case: Case | None
    thread: int = 0
    planted: int = 0
    share: float = 0.0
    waits: bool = False

    def __post_init__(self) -> None:
        """Look up the tasks; a case without a flow changes nothing."""
        self.tasks = tuple(_TASKS[self.name])
        if self.case and not (self.case.flow and self.name in self.case.actors):
            self.case = None

    @property
    def lacks_case_requests(self) -> bool:
        """Whether the case has too few requests of its own so far."""
        return self.case is not None and self.planted < _LEAST_PLANTED

    def next_task(self, at: float) -> float:
        """One task at ``at``; returns the ms it took."""
        due = self.case is not None and self.planted < min(int(self.share * 4), _LEAST_PLANTED)
        task = self.case.task if due and self.case else self.tasks[int(self.world.chance() * len(self.tasks))]
        if self.case and self.case.task == task and (due or self.world.chance() < 0.5):
            return self.plant_case(self.case, at)
        return self.do_task(task, at)

    def send_request(
        self, flow: str, at: float, values: Mapping[str, str], case: Case | None = None
    ) -> tuple[float, dict[str, str]]:
        """Log one request of this user."""
        if case:
            self.planted += 1
        return self.world.log_request(flow, self.thread, at, values, case)

    def plant_case(self, case: Case, at: float) -> float:
        """The task of the case."""
        return self.send_request(case.flow, at, self.world.draw_values(case.values), case)[0]

    def do_task(self, task: str, at: float) -> float:
        """A task of the correct flow."""
        raise NotImplementedError


class EntityUser(User):
    """Registers, changes, reads and deletes users, services or clients."""

    def plant_case(self, case: Case, at: float) -> float:
        """The task of the case, on a known entity where it names none of its own."""
        values = self.world.draw_values(case.values)
        if "id" not in values:
            pool = self.world.entities.ids[self.name]
            if not pool:
                return self.do_task("register", at)
            values["id"] = pool[-1]
        return self.send_request(case.flow, at, values, case)[0]

    def do_task(self, task: str, at: float) -> float:
        """A task; nothing known yet means registering."""
        pool = self.world.entities.ids[self.name]
        if task == "register" or not pool:
            pool.append(self.world.ids["uuid" if self.name == "client" else "hex8"]())
            task = "register"
        flow, values = _TASKS[self.name][task], {"id": pool[-1]}
        if task == "delete":
            if self.name == "client" and self.world.entities.tokens and self.world.chance() < _CLIENT_HAS_TOKENS:
                flow = "client_delete_500"
            else:
                pool.pop()
        return self.send_request(flow, at, values)[0]


class TokenUser(User):
    """Reads and deletes refresh tokens, most of them gone already."""

    token = ""

    def do_task(self, task: str, at: float) -> float:
        """A task on the same token as before, until the set of tokens has changed."""
        if not self.world.entities.tokens:
            self.waits = True
            return _WAIT_MS
        self.waits = False
        if not self.token or self.world.chance() < _OTHER_TOKEN:
            self.token = self.world.some_token()
        flow, valid = _TASKS[self.name][task], self.world.entities.valid
        if task != "page" and self.token not in valid:
            flow += "_404"
        elif task == "delete":
            valid.discard(self.token)
        return self.send_request(flow, at, {"id": self.token})[0]


class OAuthUser(User):
    """Holds a client and what it was granted."""

    client = code = refresh = ""

    def next_task(self, at: float) -> float:
        """One task, as soon as there is a client."""
        if not self.client and not self.change_client():
            self.waits = True
            return _WAIT_MS
        self.waits = False
        return super().next_task(at)

    def change_client(self) -> bool:
        """Take another client, if there is one."""
        pool = self.world.entities.ids["client"]
        if pool:
            recent = self.world.chance() < 0.7
            self.client = pool[-1] if recent else pool[int(self.world.chance() * len(pool))]
        return bool(pool)

    def plant_case(self, case: Case, at: float) -> float:
        """The task of the case; redeeming needs a code first."""
        if case.task == "redeem" and not self.code:
            return self.do_task("authorize", at)
        values = {**self.user_values(), **self.world.draw_values(case.values)}
        self.code = self.refresh = ""
        return self.send_request(case.flow, at, values, case)[0]

    def user_values(self) -> dict[str, str]:
        """Values of the requests of this session."""
        held = {"client_id": self.client, "authorization": self.world.client_authorization(self.client)}
        return {**held, "code": self.code} if self.code else held

    def do_task(self, task: str, at: float) -> float:
        """A task; one that lacks what it needs is over at once."""
        if task == "authorize":
            self.code = self.refresh = ""
            took, values = self.send_request(f"code_{self.name}", at, self.user_values())
            self.code = values["code"]
            return took
        if task == "redeem" and self.code:
            return self._user_redeems_code(at)
        if task == "refresh" and self.refresh:
            return self._user_renews_token(at)
        if task == "token":
            return self.send_request("token_cc", at, self.user_values())[0]
        if task == "change":
            self.change_client()
        return 0.0

    def _user_redeems_code(self, at: float) -> float:
        values = {**self.user_values(), "id": self.world.ids["uuid"]()}
        self.code = ""
        if self.name == "plain" and self.world.chance() < _SWAPPED_SESSION:
            return self.send_request("token_no_verifier", at, values)[0]
        self.refresh = self.world.issue_token(values["id"])
        return self.send_request("token_ac", at, values)[0]

    def _user_renews_token(self, at: float) -> float:
        old, new, valid = self.refresh, self.world.ids["uuid"](), self.world.entities.valid
        values = {**self.user_values(), "id": old, "new": new}
        if old not in valid:
            self.refresh = ""
            return self.send_request("token_rt_404", at, values)[0]
        valid.discard(old)
        self.refresh = self.world.issue_token(new)
        return self.send_request("token_rt", at, values)[0]


def users(world: World, case: Case | None) -> list[User]:
    """The seven users of a test; those that call the same service work on different threads."""
    entity = [EntityUser(world, name, case) for name in ("user", "service", "client")]
    oauth = [OAuthUser(world, name, case, thread) for thread, name in enumerate(("credentials", "plain", "pkce"))]
    return [*entity, TokenUser(world, "refresh-token", case), *oauth]
