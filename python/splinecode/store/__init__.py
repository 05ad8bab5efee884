"""Spline codes on disk: a folder of shards that plain numpy reads, and one metadata file.

```
store.json                 layers, dtypes, threshold, source; of every shard rows and checksums
words-00000000-14563.npy   uint64 (rows, words), the codes, as `Codes.words`
rows-00000000-14563.npy    (rows,) of (input, position, fingerprint): where each code came from
lock                       held by the one process that writes
```

A shard's files are on the disk before the metadata file that names them replaces the one before, so
that a reader sees whole shards, whatever happened to the writer. All shards but the last have the
same number of rows; a last one that is continued is replaced by a longer one of another name.
Nothing is pickled, and a metadata file that claims more than the files hold is refused.
"""

from .code_store import CodeStore
from .rows import ROW, SOURCED_ROW
from .writer import CodeWriter

__all__ = ["ROW", "SOURCED_ROW", "CodeStore", "CodeWriter"]
