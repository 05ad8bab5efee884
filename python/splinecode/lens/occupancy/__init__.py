"""Which polytopes inputs share, and how pure they are."""
