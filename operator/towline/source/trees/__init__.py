"""Git's tree objects: each is read once, and what they amount to is known before it is written out."""
