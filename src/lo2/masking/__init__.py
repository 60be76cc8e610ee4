"""What is hidden in a log line: values, secrets and a user's own patterns as rows of tables, applied by profile."""
