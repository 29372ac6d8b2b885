package hubspotsim

// developer answers /webhooks/v3/{app}/settings and …/subscriptions: they are an app's, whichever portals it is installed
// in, and only the API key of its developer opens them. To a portal's token HubSpot says that there is none.
func (c *call) developer() (*reply, *apiError) {
	if what := c.rest[0]; what != "settings" && what != "subscriptions" {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	return nil, noCredentials()
}
