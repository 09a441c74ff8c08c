"""An undecorated script that uses flask all the same."""

import json


def init():
    pass


def run(data):
    import flask
    from flask import Response, abort, current_app, jsonify, make_response, request

    if data == "response":
        return Response("plain", 201, {"X-A": "1"}, mimetype="text/csv")
    if data == "failed response":
        return Response("broken", 500)
    if data == "response with ids":
        return Response("x", headers={"x-request-id": "mine", "x-ms-run-function-failed": "True"})
    if data == "jsonify":
        return jsonify({"b": 1, "a": "é"})
    if data == "make_response":
        made = make_response("made", 202)
        made.set_cookie("a", "1")
        return made
    if data == "abort":
        abort(404)
    if data == "werkzeug":
        from werkzeug.wrappers import Response as Other

        return Other("x")
    if data == "redirect":
        return flask.redirect("/elsewhere")
    if data == "stream":
        return Response((str(number) for number in range(3)), mimetype="text/plain")
    if data == "after":

        @flask.after_this_request
        def mark(response):
            response.headers["X-After"] = "1"
            return response

        return Response("x")
    if data == "after plain":

        @flask.after_this_request
        def mark_too(response):
            response.headers["X-After"] = "2"
            return response

        return {"x": 1}
    seen = [request.method, request.path, request.args.to_dict(), request.headers.get("X-A")]
    where = [request.endpoint, request.blueprint, str(request.url_rule), request.view_args]
    return json.dumps([*seen, *where, bool(current_app), request.get_data(as_text=True)])
