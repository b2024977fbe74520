"""An MCP server made with the official SDK. It prints its port, then one line of JSON for each request, as it arrived.

Arguments: `sessions` (session ids, answers as server-sent events) or `single` (no sessions, answers as JSON).
"""

import asyncio
import base64
import json
import os
import socket
import sys
import threading

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

crm = MCPServer("crm")


@crm.tool()
def list_customers(limit: int | None = None) -> str:
    return f"listed {limit}"


@crm.tool()
def export_customers(segment: str, rows: int, note: str = "") -> str:
    return f"exported {rows} of {segment}"


@crm.tool()
def delete_customer(id: int) -> str:
    return f"deleted {id}"


@crm.resource("file:///reports/q1")
def q1() -> str:
    return "the first quarter"


@crm.resource("file:///salaries/q1")
def salaries() -> str:
    return "nobody's business"


@crm.prompt()
def summarise(topic: str) -> str:
    return f"Summarise {topic}."


class Recording:
    """Tells what arrives, whole and before anybody has read it, serves it at any path, and signs what it answers."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        told = {
            "method": scope["method"],
            "path": scope["path"],
            "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in scope["headers"]],
            "body": base64.b64encode(body).decode(),
        }
        print(json.dumps(told), flush=True)
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay():
            return waiting.pop() if waiting else await receive()

        async def signed(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-answered-by", b"server")]
            await send(message)

        await self.app({**scope, "path": "/mcp", "raw_path": b"/mcp"}, replay, signed)


async def serve(style):
    app = crm.streamable_http_app(
        json_response=style == "single",
        stateless_http=style == "single",
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(Recording(app), log_level="error", timeout_graceful_shutdown=1)
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


def end_with_the_tests():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_the_tests, daemon=True).start()
asyncio.run(serve(sys.argv[1]))
