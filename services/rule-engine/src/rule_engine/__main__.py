"""`python -m rule_engine run | migrate | health`."""

from contracts.kit.command_line import run_service


def main() -> None:
    run_service("rule_engine")


if __name__ == "__main__":
    main()
