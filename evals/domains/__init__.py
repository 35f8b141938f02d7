"""Questions of each domain, asked of real scans from end to end."""
