"""The program that sets one document: a process that can open nothing, started for each rendering.

Reads a JSON object from standard input (`source`, `inputs`, `timestamp`, `limits`), writes the PDF to standard output.
Exit code 3 says that the template is at fault; standard output then holds the compiler's report as JSON.

Templates are programs that tenants wrote. Before one is compiled the process gives up opening anything: no file, no
socket, so neither reading the server nor fetching packages can work, whatever the compiler would allow. Time and memory
are bounded by the kernel. The environment is empty.
"""

import json
import os
import resource
import sys
import tempfile
from typing import Any

TEMPLATE_AT_FAULT = 3


def give_up_opening(cpu_s: int, memory: int) -> None:
    """Limits this process for the rest of its life; the open standard streams stay."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def main() -> int:
    import typst

    job: dict[str, Any] = json.load(sys.stdin.buffer)
    root = tempfile.mkdtemp()
    compiler = typst.Compiler(
        root=root, ignore_system_fonts=True, package_path=root, package_cache_path=root, sys_inputs=job["inputs"]
    )
    os.rmdir(root)
    give_up_opening(**job["limits"])
    try:
        pdf: Any = compiler.compile(job["source"].encode(), format="pdf", timestamp=job["timestamp"])
    except typst.TypstError as error:
        report = {"message": error.message, "diagnostic": error.diagnostic, "hints": list(error.hints)}
        sys.stdout.write(json.dumps(report))
        return TEMPLATE_AT_FAULT
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main())
