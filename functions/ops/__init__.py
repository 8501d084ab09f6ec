"""What every deployment needs beside its markets: health, the task sweeper, dead letters, WebSocket."""
