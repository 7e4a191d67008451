from databases import *  # noqa: F403
