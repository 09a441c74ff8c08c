package ssm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

type Client struct{}

type DescribeInstanceInformationInput struct {
	Filters []types.InstanceInformationStringFilter
}

type DescribeInstanceInformationOutput struct {
	InstanceInformationList []types.InstanceInformation
}

type DescribeInstanceInformationPaginator struct{}

func NewFromConfig(aws.Config) *Client { return nil }

func NewDescribeInstanceInformationPaginator(*Client, *DescribeInstanceInformationInput) *DescribeInstanceInformationPaginator {
	return &DescribeInstanceInformationPaginator{}
}

func (*DescribeInstanceInformationPaginator) HasMorePages() bool { return true }

func (*DescribeInstanceInformationPaginator) NextPage(context.Context) (*DescribeInstanceInformationOutput, error) {
	return nil, errors.New("built without SSM")
}
