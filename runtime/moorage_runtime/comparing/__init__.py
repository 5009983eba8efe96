"""Does the other version say what the stable one says? Answers of every door, read back and compared, off the path."""
