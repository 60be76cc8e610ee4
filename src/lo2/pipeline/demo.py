"""The demo: a small simulated tree, always the same, through the main job."""

from lo2.artefacts.layout import Home, variant_home
from lo2.engine import EngineOptions
from lo2.explain.explanation import refuse_to_explain
from lo2.pipeline.load import OnPart
from lo2.pipeline.options import DEMO_VARIANT, DemoOptions, DetectOptions, RunOptions
from lo2.pipeline.run import RunResult, run_all_phases
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

# One fault per called service, of every kind of signal, and one that leaves no trace at all.
DEMO_CASES = (
    "delete_client_404_no_client",
    "register_service_400_service_type",
    "authorization_code_invalid_password_401",
    "access_token_client_secret_wrong_401",
    "get_token_404",
    "update_password_401_wrong_password",
    "register_client_404_no_user",
)


def demo_run(
    home: Home,
    options: DemoOptions = DemoOptions(),
    *,
    engine: EngineOptions = EngineOptions(),
    on_part: OnPart | None = None,
) -> RunResult:
    """Simulate 30 v2 runs with seven error cases each into ``options.logs``, then run every phase on them.

    What an earlier demo left in the demo's own variant is replaced; elsewhere the rules of every run hold.
    """
    refuse_to_explain(())
    tree = SimulateOptions(runs=30, test_cases=DEMO_CASES, dataset="v2", scale=0.02, seed=options.seed)
    simulate(options.logs, tree, overwrite=True)
    own = home == variant_home(DEMO_VARIANT)
    detect = DetectOptions(models=("knn_words",), save_model=True, overwrite_model=own)
    return run_all_phases(options.logs, home, RunOptions(detect=detect), engine=engine, on_part=on_part)
