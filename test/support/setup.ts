// Quiet TensorFlow's start-up log lines before any test loads it.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
