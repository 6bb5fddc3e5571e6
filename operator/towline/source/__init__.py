"""Git: which servers may be asked, mirrors of their repositories, and what a commit holds."""
