"""The official SDK's client. The first line on standard input says whom to call and how; each further line is one thing to do.

Prints one line of JSON for each: what came of it, and the bodies that were sent for it. Where a person is asked to go to a URL, the line
says so, and the next line of input is what the person does: accept, decline or cancel.
"""

import asyncio
import base64
import json
import sys
import warnings

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult

warnings.simplefilter("ignore")
sent = []


async def record(request):
    sent.append(
        {
            "method": request.method,
            "headers": [[k, v] for k, v in request.headers.items()],
            "body": base64.b64encode(request.content).decode(),
        }
    )


def tell(**outcome):
    said = {**outcome, "sent": list(sent)}
    sent.clear()
    print(json.dumps(said), flush=True)


def failed(error):
    if isinstance(error, BaseExceptionGroup):
        return failed(error.exceptions[0])
    if isinstance(error, MCPError):
        return {"code": error.code, "message": error.message, "data": error.data}
    return {"exception": type(error).__name__, "text": str(error)}


async def do(client, what):
    match what["do"]:
        case "list_tools":
            return await client.list_tools(cache_mode="bypass")
        case "list_resources":
            return await client.list_resources(cache_mode="bypass")
        case "list_prompts":
            return await client.list_prompts(cache_mode="bypass")
        case "list_templates":
            return await client.list_resource_templates(cache_mode="bypass")
        case "call":
            return await client.call_tool(what["tool"], what.get("arguments"))
        case "read":
            return await client.read_resource(what["uri"], cache_mode="bypass")
        case "prompt":
            return await client.get_prompt(what["name"], what.get("arguments"))
        case "ping":
            return await client.send_ping()
        case "log_level":
            return await client.set_logging_level("info")
        case "roots_changed":
            await client.send_roots_list_changed()
            return None
        case other:
            raise ValueError(other)


async def converse(to, lines):
    headers = {"host": to["host"]}
    if to.get("token"):
        headers["authorization"] = f"Bearer {to['token']}"
    http = httpx2.AsyncClient(headers=headers, timeout=20, event_hooks={"request": [record]})
    async with http:
        async def asked(context, params):
            tell(asked=json.loads(params.model_dump_json(by_alias=True, exclude_none=True)))
            return ElicitResult(action=(await lines()).strip())

        transport = streamable_http_client(to["url"], http_client=http)
        callback = asked if to.get("asks") else None
        client = Client(transport, mode=to["mode"], read_timeout_seconds=10, elicitation_callback=callback, input_required_max_rounds=1000)
        async with client:
            tell(ok={"revision": client.protocol_version})
            while line := await lines():
                try:
                    result = await do(client, json.loads(line))
                    tell(ok=result and json.loads(result.model_dump_json(by_alias=True, exclude_none=True)))
                except Exception as error:
                    tell(error=failed(error))
    tell(ok="closed")


async def main():
    loop = asyncio.get_running_loop()

    async def lines():
        return await loop.run_in_executor(None, sys.stdin.readline)

    to = json.loads(await lines())
    try:
        await converse(to, lines)
    except Exception as error:
        tell(error=failed(error))


asyncio.run(main())
