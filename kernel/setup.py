"""One extension for every Python from 3.11 on: the limited API of 3.11."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "lo2_kernel",
            [f"src/{name}.c" for name in ("module", "table", "line", "bags", "collapse", "door", "stamps", "alike")],
            depends=["src/kernel.h"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            extra_compile_args=["-std=c11", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden"],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
