"""A planner that can be trained: data made with the compiler, tuning of a small model, rewards, prompts."""
