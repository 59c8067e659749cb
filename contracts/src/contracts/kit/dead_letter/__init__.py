"""Dead letters: `writer` puts aside, `replay` hands to the group once more, `api` lets people decide, `store` keeps."""
