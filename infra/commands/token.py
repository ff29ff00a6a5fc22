"""`hall token CUSTOMER`: an access token of a demo customer, from the sandbox of HALL_HOME, or else of HALL_PORT."""

import typer

app = typer.Typer()


@app.command()
def token(customer: str) -> None:
    """Print an access token of CUSTOMER, for an Authorization header."""
    from infra.home import open_home
    from infra.settings import load_settings

    settings = load_settings()
    running = open_home(settings.home).running()
    typer.echo(fetch_token(running.address if running and running.address else settings.base_url, customer))


def fetch_token(base_url: str, customer: str) -> str:
    """Raises HouseError when there is no sandbox at `base_url` or it does not know the customer."""
    import httpx

    from infra.home import HouseError

    try:
        answer = httpx.post(f"{base_url}/sandbox/session", json={"customer": customer}, timeout=10)
    except httpx.TransportError:
        raise HouseError(f"No hall answers at {base_url}: start `hall run`, or set HALL_PORT.") from None
    if answer.status_code == 404 or "accessToken" not in answer.text:
        raise HouseError(f"The hall at {base_url} gives no session for {customer}: is it a sandbox that knows them?")
    return str(answer.json()["accessToken"])
