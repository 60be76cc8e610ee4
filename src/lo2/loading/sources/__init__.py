"""Where raw logs lie: folders, archives, compressed files and standard input; names, bytes in blocks."""
