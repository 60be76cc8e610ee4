"""The command, as a user runs it."""


def test_the_command_writes_a_tree_and_says_what(tmp_path, lo2):
    arguments = (
        "simulate",
        "logs",
        "--runs",
        2,
        "--scale",
        0.01,
        "--errors-per-run",
        1,
        "--service-types",
        "token,key",
    )
    done = lo2(*arguments, cwd=tmp_path)
    assert done.stdout.startswith("2 runs, 8 log files, ")
    assert "logs/truth.csv" in done.stdout
    assert "2/2 runs" in done.stderr
    again = lo2(*arguments, cwd=tmp_path, expect=1)
    assert "--overwrite" in again.stderr
    assert lo2(*arguments, "--overwrite", "--quiet", cwd=tmp_path).stderr == ""


def test_an_unknown_case_ends_with_the_exit_code_of_usage(tmp_path, lo2):
    done = lo2("simulate", "logs", "--test-cases", "get_token_40", cwd=tmp_path, expect=2)
    assert "Did you mean 'get_token_404'?" in done.stderr
