"""`stack demo`: the furniture shop's story, played on the running stack through public interfaces only, and checked."""
