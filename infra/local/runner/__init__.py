"""The local stand-in for Lambda, API Gateway, EventBridge and SQS event sources, driven by serverless.yml."""
