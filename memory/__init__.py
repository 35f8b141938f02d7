"""What is kept: studies, identities, runs and their events, feedback, blobs and vectors, all under one home folder."""
