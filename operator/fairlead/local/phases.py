"""What is done while a local service is made, in words for people."""

PHASES = {
    "files": "Reading your files",
    "base image": "Fetching the base image",
    "steps": "Running the steps of the Dockerfile",
    "environment": "Making the environment",
    "conda": "Solving for the packages of conda",
    "packages": "Installing packages",
    "runtime": "Adding the scoring server",
    "assemble": "Putting models and code on it",
    "start": "Starting the service",
    "reload": "Loading the script again",
    "debugger": "Adding the debugger",
    "attached": "A debugger is attached",
}
