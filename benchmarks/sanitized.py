"""Does the compiled twin ever touch what is not its own? ``python benchmarks/sanitized.py [CORPUS]``.

Builds ``kernel/`` with the sanitizers of addresses and undefined behaviour into a folder of its own, and runs its tests
and the inputs of ``CORPUS/header`` (what ``benchmarks/fuzz.py header`` kept) with it, a process each. Needs a compiler.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
FLAGS = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-cast-function-type", "-fno-omit-frame-pointer"]
CORPUS = """
import sys
from pathlib import Path
from lo2.kernel import kernel
for path in map(Path, sys.argv[1:]):
    data = path.read_bytes()
    for block in (data, data[: len(data) // 2], data[len(data) // 3 :], data + bytes([10])):
        table = kernel().Table(1, 2)
        table.scan(block, True)
        table.scan(block[::-1], False)
        table.number([*table.bodies(), block])
"""


def build(folder: Path) -> None:
    sources = sorted(map(str, (HERE / "kernel" / "src").glob("*.c")))
    include = f"-I{sysconfig.get_paths()['include']}"
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DPy_LIMITED_API=0x030B0000"]
    target = ["-fPIC", "-shared", "-o", str(folder / "lo2_kernel.abi3.so")]
    subprocess.run(["cc", *FLAGS, *sanitizers, include, *sources, *target], check=True)


def main(corpus: Path | None) -> int:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        build(folder)
        library = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
        env = {**os.environ, "LD_PRELOAD": library.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0"}
        env |= {"PYTHONPATH": os.pathsep.join([text, str(HERE / "src")]), "PYTHONMALLOC": "malloc"}
        tests = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "--timeout", "1800"]
        failed = subprocess.run(
            [*tests, "tests/loading/lines/test_kernel.py", "tests/loading/lines/test_kernel_reader.py"],
            env=env,
            cwd=HERE,
        ).returncode
        inputs = sorted(map(str, (corpus / "header").iterdir())) if corpus is not None else []
        failed |= subprocess.run([sys.executable, "-c", CORPUS, *inputs], env=env, cwd=HERE).returncode
        print(f"{len(inputs)} inputs of the corpus; {'FAILED' if failed else 'nothing found'}")
        return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
