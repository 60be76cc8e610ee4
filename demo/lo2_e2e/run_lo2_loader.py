"""Phase B (and C): raw LO2 logs to Parquet sequences. The guide's name for ``lo2 load``."""

from flags import listed, lo2, parser


def main() -> None:
    """Translate the guide's flags and load."""
    flags = parser("Load LO2 logs into Parquet sequences, features included.", "load")
    flags.add_argument("--root", required=True, metavar="DIR", help="folder with the runs")
    flags.add_argument("--service-types", nargs="+", default=[], metavar="SERVICE", help="by blanks or commas")
    flags.add_argument("--test-cases", nargs="+", default=[], metavar="CASE", help="by blanks or commas")
    flags.add_argument("--save-parquet", action="store_true", help="accepted; the sequence Parquet is always written")
    known, others = flags.parse_known_args()
    lists = [
        text
        for flag, values in (("--service-types", known.service_types), ("--test-cases", known.test_cases))
        if values
        for text in (flag, listed(values))
    ]
    lo2("load", "--root", known.root, *lists, *others)


if __name__ == "__main__":
    main()
