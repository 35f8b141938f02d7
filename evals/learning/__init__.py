"""Does tuning, or a better prompt, make a small model plan better?"""
