"""The program that sets one document: a process that can open nothing, started for each rendering.

Reads a JSON object from standard input (`source`, `inputs`, `timestamp`, `limits`, `fonts`: a folder or null), writes a
line of JSON (`missing`: the characters that no font has) and the PDF to standard output. Exit code 3 says that the
template is at fault; standard output then holds the compiler's report as JSON.

Templates are programs that tenants wrote. Before one is compiled the process gives up opening anything: no file, no
socket, so neither reading the server nor fetching packages can work, whatever the compiler would allow. Time and memory
are bounded by the kernel. The environment is empty.
"""

import json
import os
import re
import resource
import sys
import tempfile
from typing import Any

TEMPLATE_AT_FAULT = 3
MOST_MISSING = 20
_FOREIGN = re.compile("[^\\x00-\\u024f\\u2000-\\u20bf]")
"""All but Latin letters, punctuation and signs of currencies, which typst's own fonts have."""
_MOST_FOREIGN = 5000
_SPECIMEN = b"""
#for family in json(bytes(sys.inputs.families)) {
  for weight in (400, 700) {
    for style in ("normal", "italic") { text(font: family, weight: weight, style: style, sys.inputs.text) }
  }
}
"""
_NOT_DISPLAYED = re.compile('the text `"(.+?)"` could not be displayed with font')


def limit(cpu_s: int, memory: int) -> None:
    """What this process may take for the rest of its life."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def give_up_opening() -> None:
    """For the rest of its life; the open standard streams stay."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def main() -> int:
    import typst

    job: dict[str, Any] = json.load(sys.stdin.buffer)
    root = tempfile.mkdtemp()
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[job["fonts"]] if job["fonts"] else [])
    compiler = typst.Compiler(root=root, font_paths=fonts, package_path=root, package_cache_path=root)
    os.rmdir(root)
    limit(**job["limits"])
    about = {"input": job["source"].encode(), "sys_inputs": job["inputs"], "timestamp": job["timestamp"]}
    try:
        _read_fonts(compiler, fonts.families(), job["source"], job["inputs"])
        give_up_opening()
        pdf: Any = compiler.compile(**about, format="pdf")
    except typst.TypstError as error:
        report = {"message": error.message, "diagnostic": error.diagnostic, "hints": list(error.hints)}
        sys.stdout.write(json.dumps(report))
        return TEMPLATE_AT_FAULT
    sys.stdout.buffer.write(json.dumps({"missing": _missing(compiler, about)}).encode() + b"\n" + pdf)
    return 0


def _read_fonts(compiler: Any, families: list[str], source: str, inputs: dict[str, str]) -> None:
    """Fonts are read when a text first needs them, which is too late for a template: a specimen of ours needs them now.

    It has the families that the template names, and the characters that those inside typst may lack.
    """
    named = [family for family in families if family in source]
    foreign = {letter for text in (source, *inputs.values()) for letter in _FOREIGN.findall(text)}
    if named or foreign:
        text = "".join(sorted(foreign)[:_MOST_FOREIGN]) or "A"
        shown = {"families": json.dumps([*named, "Libertinus Serif"]), "text": text}
        compiler.compile(_SPECIMEN, format="pdf", sys_inputs=shown)


def _missing(compiler: Any, about: dict[str, Any]) -> str:
    """What is printed and no font has: PDF/A demands every glyph, so its checks name those that are not there.

    The layout is the compiler's from before; only the checks are made again. Source: ISO 19005-2, 6.2.11.8.
    """
    import typst

    try:
        compiler.compile(**about, format="pdf", pdf_standards="a-2b")
    except typst.TypstError as error:
        found = dict.fromkeys(letter for text in _NOT_DISPLAYED.findall(error.diagnostic) for letter in text)
        return "".join(found)[:MOST_MISSING]
    return ""


if __name__ == "__main__":
    sys.exit(main())
