"""What a load writes next to the sequences, as options."""

from dataclasses import dataclass

from lo2.options import option


@dataclass(frozen=True)
class SaveOptions:
    """Which further tables a load writes."""

    save_base_sequences: bool = option(False, "Also write lo2_sequences.parquet (the joined raw text)")
    save_events: bool = option(False, "Also write lo2_events.parquet (one row per raw event)")
