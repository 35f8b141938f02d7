"""Conversations: follow-up questions read against what was asked before, and answers about answers."""
