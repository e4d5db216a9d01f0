"""Bodies of requests and answers, a file a resource. Answers have no defaults, so each field is always there."""
